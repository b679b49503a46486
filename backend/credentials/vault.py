"""Encryption of secrets at rest: MultiFernet, with the row's identity inside the plaintext."""

import base64
import hashlib
import json
from collections.abc import Sequence
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from backend.db import encode_json
from trestle.contracts.base import JsonObject


class Sealed(Exception):
    """A ciphertext that can't be read: no key fits, or it was made for another row."""


class Vault:
    """Encrypts with the first key, decrypts with any. Fernet has no associated data: a row's ciphertext would decrypt in another
    row, so `{project, credential, version}` stand in the plaintext and are checked."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self.key_id = hashlib.sha256(base64.urlsafe_b64decode(keys[0])).hexdigest()[:16]

    def seal(self, data: JsonObject, *, project: UUID, credential: UUID, version: int) -> bytes:
        """The ciphertext of `data` for this row and version."""
        plain = {"project": str(project), "credential": str(credential), "version": version, "data": data}
        return self._fernet.encrypt(encode_json(plain).encode())

    def open(self, ciphertext: bytes, *, project: UUID, credential: UUID, version: int) -> JsonObject:
        """The data. Raises Sealed where no key fits or the ciphertext belongs to another row or version."""
        try:
            plain = json.loads(self._fernet.decrypt(ciphertext))
        except InvalidToken:
            raise Sealed(
                "No key of TRESTLE_ENCRYPTION_KEYS opens this credential. Give the key it was made with, or enter it anew."
            ) from None
        data: JsonObject = plain.pop("data")
        if plain != {"project": str(project), "credential": str(credential), "version": version}:
            raise Sealed("This credential's secret was made for another row. Enter it anew.")
        return data
