"""How fast it is: the real API against bare ASGI applications that do the least possible.

`python -m benchmarks` loads a district, measures everything in one alternating run, prints a
table and writes `benchmarks/results.json`.
"""
