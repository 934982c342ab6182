"""Opening hours of venues and rooms, and what becomes of bookings when they change."""
