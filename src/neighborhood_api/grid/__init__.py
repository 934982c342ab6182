"""The grid and its people: nodes, posts and who holds them, households, residence, plates."""
