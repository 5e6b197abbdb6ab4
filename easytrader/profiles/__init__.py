"""账号的设置：一个名字，一个 TOML 文件，哪个后端都一样。

```python
from easytrader import profiles

with profiles.open("main") as user:
    print(user.balance)
```
"""

from __future__ import annotations

from easytrader.profiles.account import AccountSpec
from easytrader.profiles.profile import Profile, file_of, find, folder, names
from easytrader.profiles.profile import open_account as open

__all__ = ["AccountSpec", "Profile", "file_of", "find", "folder", "names", "open"]
