# 每个工作日 14:50 调仓：在 PowerShell 里、以跑 MiniQMT 的那个用户运行一次。
# 不开市的日子 easytrader 自己认得，以 3 退出。三个路径换成自己的。
$python = "D:\easytrader\.venv\Scripts\pythonw.exe"
$target = "D:\easytrader\targets.csv"
$log    = "D:\easytrader\logs\rebalance.log"
New-Item -ItemType Directory -Force (Split-Path $log) | Out-Null   # 日志的文件夹要先有

$action = New-ScheduledTaskAction -Execute $python `
    -Argument "-m easytrader rebalance `"$target`" --profile main --yes --log-file `"$log`"" `
    -WorkingDirectory (Split-Path $target)
$trigger = New-ScheduledTaskTrigger -Weekly -At 14:50 `
    -DaysOfWeek Monday, Tuesday, Wednesday, Thursday, Friday
# 只在用户登录时运行：MiniQMT 要桌面，没有桌面的服务里连不上它
$principal = New-ScheduledTaskPrincipal -UserId "$env:USERDOMAIN\$env:USERNAME" `
    -LogonType Interactive -RunLevel Limited
# 错过了不补跑（不加 -StartWhenAvailable）；用电池也跑；只许一个；最多半小时
$settings = New-ScheduledTaskSettingsSet -ExecutionTimeLimit (New-TimeSpan -Minutes 30) `
    -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries -MultipleInstances IgnoreNew

Register-ScheduledTask -TaskName "easytrader rebalance" -Force -Action $action `
    -Trigger $trigger -Principal $principal -Settings $settings
