"""Where places of the grid lie: coordinates, boundaries, and finding a place by position."""
