"""Scarce things: exclusive or counted, with waitlists, offers, quotas, strikes and check-in."""
