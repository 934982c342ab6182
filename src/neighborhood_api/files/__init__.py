"""Photos: checked, stripped of everything but their pixels, and shown by signed links."""
