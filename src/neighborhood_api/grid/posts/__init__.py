"""Posts of the grid: who holds them, stands in, is away, and what follows from it."""
