"""What people say by telephone and at the counter, and how it becomes theirs later."""
