"""Columns that are encrypted at rest and still found by exact match: phones and addresses.

AES-256-SIV gives the same text for the same value under the same key, so that a unique index
and `=` go on working, and tells at once when a text was changed. What it lets be seen is that
two values are equal, and nothing else. The first key seals, all of them open; a comparison
asks for the value as each key would have sealed it, so that keys can be replaced while the
API runs. A process is given its keys before the first row, and looks for newer ones by itself.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from time import monotonic
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from sqlalchemy import (
    ARRAY,
    BindParameter,
    CheckConstraint,
    ColumnElement,
    Dialect,
    Text,
    bindparam,
    literal,
    type_coerce,
)
from sqlalchemy import any_ as sql_any
from sqlalchemy.sql import operators
from sqlalchemy.types import TypeDecorator
from typing_extensions import override

KEY_BYTES = 64
"""Two AES-256 keys: one authenticates, one encrypts (RFC 5297)."""
_MARK = "s1"
"""How every sealed text begins; a later way of sealing gets a mark of its own."""


LOOK_SECONDS = 1.0
"""How long a process may seal and search with the keys it knew before it looks again."""

Reread = Callable[[], Sequence["SealingKey"] | None]
"""Returns the keys when they have changed since the last time, and None otherwise."""


class SealedUnreadable(Exception):  # noqa: N818  (named for what happened)
    """A text was sealed with a key that is not among ours, or was changed."""


class NoKeys(RuntimeError):  # noqa: N818  (named for what happened)
    """A process came to sealed columns before it was given the keys."""


@dataclass(frozen=True)
class SealingKey:
    """One key."""

    secret: bytes = field(repr=False)

    @property
    def kid(self) -> str:
        """What the texts that it sealed name it by; tells nothing about it."""
        return sha256(b"sealing key " + self.secret).hexdigest()[:8]


class Seals:
    """The keys of a deployment: the first one seals, all of them open."""

    def __init__(self, keys: Sequence[SealingKey], reread: Reread | None = None) -> None:
        """Hold `keys`, and newer ones as soon as `reread` gives them."""
        self._reread = reread
        self._looked = monotonic()
        self._set(keys)

    @property
    def mark(self) -> str:
        """How the texts begin that the first key sealed."""
        return self._ciphers[0][0]

    @property
    def marks(self) -> list[str]:
        """How the texts begin that each of the keys sealed."""
        return list(self._by_mark)

    def seal(self, value: str, about: str) -> str:
        """Return `value` as it is stored; `about` keeps phones from passing for addresses."""
        self._stay_current()
        return self._sealed(self._ciphers[0], value, about)

    def every(self, value: str, about: str) -> list[str]:
        """Return `value` as each of the keys would have sealed it."""
        self._stay_current()
        return [self._sealed(cipher, value, about) for cipher in self._ciphers]

    def open(self, text: str, about: str) -> str:
        """Return what was sealed.

        Raises: SealedUnreadable.
        """
        mark = text[: text.rfind(".") + 1]
        cipher = self._by_mark.get(mark)
        if cipher is None:  # another process may know a newer key
            self.look_again()
            cipher = self._by_mark.get(mark)
        if cipher is None:
            raise SealedUnreadable(f"no key for {mark or 'a text that is not sealed'}")
        try:
            opened = cipher.decrypt(urlsafe_b64decode(text[len(mark) :]), [about.encode()])
        except (InvalidTag, ValueError) as exc:
            raise SealedUnreadable("a sealed text was changed") from exc
        return opened.decode()

    def is_current(self, text: str) -> bool:
        """Tell whether the first key sealed `text`."""
        return text.startswith(self._ciphers[0][0])

    def look_again(self) -> None:
        """Take the keys that there are by now."""
        self._looked = monotonic()
        keys = None if self._reread is None else self._reread()
        if keys is not None:
            self._set(keys)

    def _stay_current(self) -> None:
        if self._reread is not None and monotonic() - self._looked >= LOOK_SECONDS:
            self.look_again()

    def _set(self, keys: Sequence[SealingKey]) -> None:
        self.keys = tuple(keys)
        self._ciphers = [(f"{_MARK}.{key.kid}.", AESSIV(key.secret)) for key in keys]
        self._by_mark = dict(self._ciphers)

    def _sealed(self, cipher: tuple[str, AESSIV], value: str, about: str) -> str:
        mark, siv = cipher
        return mark + urlsafe_b64encode(siv.encrypt(value.encode(), [about.encode()])).decode()


_seals: list[Seals] = []


def use_seals(seals: Seals) -> None:
    """Give this process its keys; later ones take the place of earlier ones."""
    _seals[:] = [seals]


def seals() -> Seals:
    """Return the keys of this process.

    Raises: NoKeys.
    """
    if not _seals:
        raise NoKeys("call use_seals before the first row is read or written")
    return _seals[0]


class Sealed(TypeDecorator[str]):
    """A text column whose values are sealed; `==` with a value is the one way to search it."""

    impl = Text
    cache_ok = True

    def __init__(self, about: str) -> None:
        """Seal what is `about` one kind of thing, such as a phone."""
        super().__init__()
        self.about = about

    @override
    def process_bind_param(self, value: str | None, dialect: Dialect | None) -> str | None:
        return None if value is None else seals().seal(value, self.about)

    @override
    def process_result_value(self, value: str | None, dialect: Dialect | None) -> str | None:
        return None if value is None else seals().open(value, self.about)

    class Comparator(TypeDecorator.Comparator[str]):
        """Compares with a value as any of the keys would have sealed it."""

        @override
        def operate(self, op: Any, *other: Any, **options: Any) -> ColumnElement[Any]:
            if op is operators.eq and len(other) == 1:
                sought = _sought(other[0], self.type)
                if sought is not None:
                    return type_coerce(self.expr, Text) == sql_any(sought)
            return super().operate(op, *other, **options)

    comparator_factory = Comparator


class SealedByEach(TypeDecorator[str]):
    """A value to search a sealed column for."""

    impl = ARRAY(Text)
    cache_ok = True

    def __init__(self, about: str) -> None:
        """Search among what is `about` one kind of thing."""
        super().__init__()
        self.about = about

    @override
    def process_bind_param(self, value: str | None, dialect: Dialect | None) -> Any:
        return None if value is None else seals().every(value, self.about)

    @override
    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        return self


def binding(type_: Any) -> Callable[[str | None], Any] | None:  # noqa: ANN401
    """Return what seals a parameter of this type, where SQLAlchemy does not bind it."""
    if not isinstance(type_, Sealed | SealedByEach):
        return None
    return partial(type_.process_bind_param, dialect=None)


def sealed_only(column: str) -> CheckConstraint:
    """Have PostgreSQL refuse values of `column` that nobody sealed."""
    return CheckConstraint(f"starts_with({column}, '{_MARK}.')", name=f"{column}_is_sealed")


def _sought(other: object, type_: Any) -> ColumnElement[Any] | None:  # noqa: ANN401
    if isinstance(other, str):
        return literal(other, SealedByEach(type_.about))
    if isinstance(other, BindParameter) and other.callable is None:
        if other.value is not None:
            return literal(other.value, SealedByEach(type_.about))
        return bindparam(other.key, type_=SealedByEach(type_.about))
    return None
