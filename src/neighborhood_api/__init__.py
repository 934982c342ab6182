"""The open backend of a neighbourhood mini-program."""
