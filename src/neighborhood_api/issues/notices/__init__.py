"""What reporters are told of their issues."""
