"""Races for scarce things: many clients at once, and never one too many or one too few."""
