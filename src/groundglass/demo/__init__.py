"""The demo: everything from scans and clicks to masks and a page, on generated chest CT."""
