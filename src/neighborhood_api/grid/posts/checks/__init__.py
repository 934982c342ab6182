"""What an office asks of its posts: vacant ones, terms that end, grids without a worker."""
