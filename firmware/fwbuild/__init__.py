"""The firmware's build, one idea a file.

    cli ─▶ toolchain ─▶ (download ─▶ unpack) or checkout ─▶ compiling ─▶ image

`fingerprint` decides whether there is anything to do; `layout` knows where everything lies.
"""
