"""A venue's week at a glance, for whoever sits at its desk."""
