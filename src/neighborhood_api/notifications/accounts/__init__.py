"""What people are told of what others did to their accounts."""
