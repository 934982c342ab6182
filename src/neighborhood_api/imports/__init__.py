"""Spreadsheets in and out: how a county brings its grid, and takes it with it."""
