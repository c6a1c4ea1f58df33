"""The Hugging Face hub: what a repository holds, and its files, every byte checked.

It stands on ``huggingface_hub``, with that library's login, cache, ``HF_ENDPOINT`` and
``HF_HUB_OFFLINE``. Nothing here is imported unless a job needs the hub.
"""
