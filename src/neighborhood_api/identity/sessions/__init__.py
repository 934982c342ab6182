"""On which devices somebody is signed in, and the history of her sign-ins."""
