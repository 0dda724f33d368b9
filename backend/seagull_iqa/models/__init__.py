"""Networks that look at an image once and are then asked about its regions."""
