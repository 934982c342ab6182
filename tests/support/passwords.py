"""Hashes of passwords, at the product's price and at next to none."""

from argon2 import PasswordHasher

from neighborhood_api.identity import passwords

PRODUCT: PasswordHasher = passwords.HASHER
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


def hash_cheaply() -> None:
    """Have this process spend nothing on new passwords; stored ones cost what they did."""
    passwords.HASHER = CHEAP
