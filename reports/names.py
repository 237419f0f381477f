"""File names of the pages of a site."""

import hashlib
import re


def camera_page(camera: str) -> str:
    """File name of a camera's page, whatever it is called: what is legible of the name, and a hash of it."""
    legible = re.sub(r"[^A-Za-z0-9]+", "_", camera)[:40].strip("_")
    return f"{legible}-{hashlib.sha256(camera.encode()).hexdigest()[:8]}.html"
