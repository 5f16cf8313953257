"""Made-up chest CT scans of made-up people, with exact masks of lungs and lesions."""

from __future__ import annotations

from groundglass.scans.phantom.phantom import Phantom
from groundglass.scans.phantom.phantom import generate_phantom

__all__ = ["Phantom", "generate_phantom"]
