"""What a district calls its levels and posts, and who else answers for the same places."""
