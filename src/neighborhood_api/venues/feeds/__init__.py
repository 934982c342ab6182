"""Calendar feeds with private links: of a person, a room or a teacher."""
