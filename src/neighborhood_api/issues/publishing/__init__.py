"""What the public sees of issues, and what nobody but the hands sees."""
