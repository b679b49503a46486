"""Encryption of secrets at rest: MultiFernet, with the row's identity inside the plaintext."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from backend.db import encode_json
from trestle.contracts.base import JsonObject


class Sealed(Exception):
    """A ciphertext that can't be read: no key fits, or it was made for another row."""


class Vault:
    """Encrypts with the first key, decrypts with any. Fernet has no associated data: a row's ciphertext would decrypt in another
    row, so what tells a row from all others (`{project, credential, version}`, say) stands in the plaintext and is checked."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self.key_id = hashlib.sha256(base64.urlsafe_b64decode(keys[0])).hexdigest()[:16]

    def seal(self, data: JsonObject, **row: UUID | int) -> bytes:
        """The ciphertext of `data` for this row."""
        plain = {**_identity(row), "data": data}
        return self._fernet.encrypt(encode_json(plain).encode())

    def renewed(self, ciphertext: bytes) -> bytes:
        """The same plaintext, encrypted with the first key. Raises Sealed where no key fits."""
        try:
            return self._fernet.rotate(ciphertext)
        except InvalidToken:
            raise Sealed("No key of TRESTLE_ENCRYPTION_KEYS opens this secret.") from None

    def open(self, ciphertext: bytes, **row: UUID | int) -> JsonObject:
        """The data. Raises Sealed where no key fits or the ciphertext belongs to another row."""
        try:
            plain = json.loads(self._fernet.decrypt(ciphertext))
        except InvalidToken:
            raise Sealed("No key of TRESTLE_ENCRYPTION_KEYS opens this secret. Give the key it was made with, or enter it anew.") from None
        data: JsonObject = plain.pop("data")
        if plain != _identity(row):
            raise Sealed("This secret was made for another row. Enter it anew.")
        return data


def _identity(row: Mapping[str, UUID | int]) -> JsonObject:
    return {name: value if isinstance(value, int) else str(value) for name, value in row.items()}
