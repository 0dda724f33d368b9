"""Where session, backend, layers and views meet; one module a noun, `controller.Controller` over all of them."""
