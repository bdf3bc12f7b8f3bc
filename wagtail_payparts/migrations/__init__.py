"""Made on the oldest supported Wagtail."""
