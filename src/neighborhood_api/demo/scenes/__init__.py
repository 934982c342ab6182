"""How the steps of the stories are played: each through the use case of its operation."""
