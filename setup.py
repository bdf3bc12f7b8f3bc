"""What goes into the wheel; metadata is in pyproject.toml.

The front-end files live in the top-level static/ folder. Django looks for them in
wagtail_payparts/static, so that is where the wheel carries them (package_dir below). A checkout
and an editable install reach them through the symlink wagtail_payparts/static.
"""

from setuptools import find_packages, setup


setup(
    packages=[
        *find_packages(include=["wagtail_payparts", "wagtail_payparts.*"]),
        "wagtail_payparts.static",
    ],
    package_dir={"wagtail_payparts.static": "static"},
    include_package_data=False,  # with [project] in pyproject.toml the default would be True
    package_data={
        "wagtail_payparts": ["templates/**/*", "locale/**/*", "py.typed"],
        "wagtail_payparts.simulator": ["templates/**/*", "static/**/*"],
        "wagtail_payparts.static": ["**/*"],
    },
)
