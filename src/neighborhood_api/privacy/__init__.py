"""What is held about a person, and her rights over it."""
