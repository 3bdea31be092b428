"""What is computed with the secret key: identities of addresses, opt-out tokens, the key's own fingerprint."""

import base64
import hmac

from domain.lead import address_domain, normalise_address

_TOKEN_BYTES = 16  # 22 characters of base64: short enough for one header line, too long to guess


class Keys:
    """Keyed hashes: an address has one identity in all campaigns of a database, and another in every other one."""

    def __init__(self, secret: str) -> None:
        """`secret` is OUTRIDER_SECRET_KEY; it is never stored."""
        self._secret = secret.encode()

    def fingerprint(self) -> str:
        """Tells whether two programs have the same key, without telling the key."""
        return self._hash("fingerprint", "").hex()

    def address_identity(self, email: str) -> str:
        """32 hex digits that stand for the normalised address."""
        return self._hash("address", normalise_address(email))[:16].hex()

    def domain_identity(self, email_or_domain: str) -> str:
        """32 hex digits that stand for the domain of an address, or for a domain."""
        domain = address_domain(email_or_domain) if "@" in email_or_domain else address_domain(f"x@{email_or_domain}")
        return self._hash("domain", domain)[:16].hex()

    def opt_out_token(self, campaign_id: str, number: int) -> str:
        """22 characters that nobody without the key can make: the link in the mail of that lead."""
        return (
            base64.urlsafe_b64encode(self._hash("opt-out", f"{campaign_id}/{number}")[:_TOKEN_BYTES])
            .decode()
            .rstrip("=")
        )

    def _hash(self, purpose: str, text: str) -> bytes:
        return hmac.digest(self._secret, f"{purpose}:{text}".encode(), "sha256")
