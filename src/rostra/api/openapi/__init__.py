"""The document that tells of the API, made from its operations: ``/api/openapi.json``."""
