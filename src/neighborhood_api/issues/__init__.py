"""Residents report, lanes answer, the street dispatches."""
