"""Coming and leaving: by the sign at the door, by staff, and without a booking."""
