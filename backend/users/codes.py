"""Codes of a second factor: time-based ones (RFC 6238: SHA-1, six digits, half a minute each) and recovery codes. Pure."""

import re
import secrets
from hmac import compare_digest

import pyotp

from backend.security import digest

ISSUER = "Trestle"
STEP_S = 30
WINDOW = 1
"""How many steps a code may be early or late: clocks differ, and typing takes a moment."""
RECOVERY_CODES = 10
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # without i, l, o and u, which are read as others
_MISREAD = str.maketrans("ilo", "110")
_RECOVERY_LENGTH = 16  # 80 bits: as random as needs no slow hash
_SEPARATORS = re.compile(r"[\s-]+")


def new_secret() -> str:
    """160 random bits in base32."""
    return pyotp.random_base32(32)


def otpauth_url(secret: str, email: str) -> str:
    """What the app reads from the QR code."""
    return pyotp.TOTP(secret, interval=STEP_S).provisioning_uri(name=email, issuer_name=ISSUER)


def matching_step(secret: str, code: str, now_s: float) -> int | None:
    """The time step, of those around `now_s` (seconds since the epoch), whose code this is; the newest where it is that of two."""
    given = _SEPARATORS.sub("", code).encode()
    totp, current = pyotp.TOTP(secret, interval=STEP_S), int(now_s // STEP_S)
    steps = range(max(0, current - WINDOW), current + WINDOW + 1)
    # All of them are compared whatever matches, each in constant time.
    matching = [step for step in steps if compare_digest(totp.generate_otp(step).encode(), given)]
    return max(matching, default=None)


def new_recovery_codes() -> list[str]:
    """Codes in groups of four characters, easy to read and to type."""
    codes = ("".join(secrets.choice(_ALPHABET) for _ in range(_RECOVERY_LENGTH)) for _ in range(RECOVERY_CODES))
    return ["-".join(code[at : at + 4] for at in range(0, _RECOVERY_LENGTH, 4)) for code in codes]


def recovery_hash(code: str) -> bytes:
    """What is stored of a recovery code, however it is written: capitals, spaces, O for 0."""
    return digest(_SEPARATORS.sub("", code).lower().translate(_MISREAD))
