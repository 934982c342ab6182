"""What issues are about, and how each kind is handled: data that operators edit."""
