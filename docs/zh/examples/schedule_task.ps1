# 登录 Windows 就起 easytrader schedule：在 PowerShell 里、以跑 MiniQMT 的那个用户运行一次。
# 三个路径换成自己的。
$python = "D:\easytrader\.venv\Scripts\pythonw.exe"
$lines  = "D:\easytrader\jobs.txt"
$log    = "D:\easytrader\logs\schedule.log"
New-Item -ItemType Directory -Force (Split-Path $log) | Out-Null   # 日志的文件夹要先有

$action = New-ScheduledTaskAction -Execute $python `
    -Argument "-m easytrader schedule --file `"$lines`" --profile main --log-file `"$log`"" `
    -WorkingDirectory (Split-Path $lines)
$trigger = New-ScheduledTaskTrigger -AtLogOn -User "$env:USERDOMAIN\$env:USERNAME"
# 只在用户登录时运行：MiniQMT 要桌面
$principal = New-ScheduledTaskPrincipal -UserId "$env:USERDOMAIN\$env:USERNAME" `
    -LogonType Interactive -RunLevel Limited
# 不限时（默认三天就停掉）；用电池也跑；只许一个；出错一分钟后再起
$settings = New-ScheduledTaskSettingsSet -ExecutionTimeLimit ([TimeSpan]::Zero) `
    -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries -MultipleInstances IgnoreNew `
    -RestartCount 999 -RestartInterval (New-TimeSpan -Minutes 1)

Register-ScheduledTask -TaskName "easytrader schedule" -Force -Action $action `
    -Trigger $trigger -Principal $principal -Settings $settings
