"""How an issue finds whoever settles it, and how long they may take."""
