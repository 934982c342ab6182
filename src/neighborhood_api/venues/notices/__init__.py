"""What people are told of their bookings and enrolments, strikes and children."""
