"""Webhooks whose callers carry a JSON Web Token: signed by who knows the secret, or holds the private key."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import jwt
from jwt.algorithms import HMACAlgorithm

from backend.triggers.payload import Headers, header

SHARED = ("HS256", "HS384", "HS512")
"""Algorithms with a shared secret."""
SIGNED = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Algorithms with a key pair: the public key verifies."""

_LEEWAY_S = 30
_ARMOUR = re.compile(r"(-----BEGIN [A-Z ]+-----)(.*?)(-----END [A-Z ]+-----)", re.DOTALL)


def bearer(secret: Mapping[str, Any], headers: Headers) -> bool:
    """Whether `Authorization: Bearer <token>` holds a token of the one algorithm that the credential names, not yet expired.

    A token without `exp` is none. Who it is for (`aud`, `iss`) is not looked at: the key belongs to this webhook.
    """
    scheme, _, token = header(headers, b"authorization").partition(" ")
    algorithm = secret.get("algorithm")
    # Which key belongs to an algorithm is decided here, never by the token: a public key must not serve as a shared secret.
    key = secret.get("secret") if algorithm in SHARED else pem(secret.get("public_key")) if algorithm in SIGNED else None
    if scheme.lower() != "bearer" or not isinstance(key, str) or not key:
        return False
    claims: Any = {"verify_signature": False, "require": ["exp"], **dict.fromkeys(("verify_exp", "verify_nbf", "verify_iat"), True)}
    try:
        _reader().decode(token.strip(), key, algorithms=[str(algorithm)])
        jwt.decode(token.strip(), options=claims, leeway=_LEEWAY_S)
    except (jwt.PyJWTError, ValueError, TypeError):  # of the token; or a key that is none
        return False
    return True


def pem(text: Any) -> str | None:
    """A key in PEM with its line breaks, which a one-line form field takes away. None where there is no key."""
    found = _ARMOUR.search(text) if isinstance(text, str) else None
    if found is None:
        return None
    body = "".join(found[2].split())
    lines = [body[start : start + 64] for start in range(0, len(body), 64)]
    return "\n".join([found[1], *lines, found[3], ""])


class _AnyLength(HMACAlgorithm):
    def check_key_length(self, key: bytes) -> None:
        """The issuer chose the secret. Warning of a short one at every call would help nobody."""


@cache
def _reader() -> jwt.PyJWS:
    reader = jwt.PyJWS()
    for name, hashing in zip(SHARED, (HMACAlgorithm.SHA256, HMACAlgorithm.SHA384, HMACAlgorithm.SHA512), strict=True):
        reader.unregister_algorithm(name)
        reader.register_algorithm(name, _AnyLength(hashing))
    return reader
