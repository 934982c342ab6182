"""What is noted of a device: a family of programs, and a network. Nothing tells two apart."""

from ipaddress import IPv6Address, ip_address, ip_network
from typing import Annotated, NamedTuple

from fastapi import Depends, Request

from neighborhood_api.kit.limits import address_of

_PROGRAMS = (
    ("micromessenger", "WeChat"),
    ("edg", "Edge"),
    ("firefox", "Firefox"),
    ("chrome", "Chrome"),
    ("safari", "Safari"),
)
"""Signs of a user agent and what they stand for; those that imitate others come first."""
_SYSTEMS = (
    ("openharmony", "HarmonyOS"),
    ("harmonyos", "HarmonyOS"),
    ("iphone", "iPhone"),
    ("ipad", "iPad"),
    ("android", "Android"),
    ("windows", "Windows"),
    ("mac os", "macOS"),
    ("linux", "Linux"),
)
_LONGEST_READ = 500
_PREFIX_OF_4, _PREFIX_OF_6 = 24, 48
"""Bits of an address that name a network and leave the household open."""


class Device(NamedTuple):
    """Where a request came from, as coarsely as it is kept."""

    family: str = "other"
    network: str | None = None


UNKNOWN = Device()


def family_of(user_agent: str) -> str:
    """Return the family of a program and of its system, e.g. `WeChat on iPhone`."""
    signs = user_agent[:_LONGEST_READ].lower()
    program = next((name for sign, name in _PROGRAMS if sign in signs), None)
    system = next((name for sign, name in _SYSTEMS if sign in signs), None)
    if program is None or system is None:
        return program or system or UNKNOWN.family
    return f"{program} on {system}"


def network_of(address: str) -> str | None:
    """Return the network that an address lies in, e.g. `203.0.113.0/24`."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    bits = _PREFIX_OF_6 if isinstance(parsed, IPv6Address) else _PREFIX_OF_4
    return str(ip_network(f"{parsed.compressed.split('%')[0]}/{bits}", strict=False))


async def current_device(request: Request) -> Device:
    """Return what is noted of the caller's device, as a dependency."""
    user_agent = request.headers.get("user-agent", "")
    return Device(family_of(user_agent), network_of(address_of(request)))


DeviceDep = Annotated[Device, Depends(current_device)]
