"""这一间的文件互相导入：不管从哪里跑。"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
