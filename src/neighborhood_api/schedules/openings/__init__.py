"""When something is open: weekly rules, exceptions, public holidays, and closures."""
