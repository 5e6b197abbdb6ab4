"""账号的设置：一个名字，一个 TOML 文件，哪个后端都一样。

```python
from easytrader import profiles

with profiles.find("main").open() as user:
    print(user.balance)
```
"""

from __future__ import annotations

from easytrader.profiles.account import AccountSpec
from easytrader.profiles.profile import Profile, file_of, find, folder, names

__all__ = ["AccountSpec", "Profile", "file_of", "find", "folder", "names"]
