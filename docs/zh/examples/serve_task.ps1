# 登录 Windows 就起 easytrader serve：在 PowerShell 里、以跑 MiniQMT 的那个用户运行一次。
# 三个路径换成自己的。
$python = "D:\easytrader\.venv\Scripts\pythonw.exe"
$config = "D:\easytrader\serve.toml"
$log    = "D:\easytrader\logs\serve.log"

$action = New-ScheduledTaskAction -Execute $python `
    -Argument "-m easytrader serve --config `"$config`" --log-file `"$log`"" `
    -WorkingDirectory (Split-Path $config)
$trigger = New-ScheduledTaskTrigger -AtLogOn -User "$env:USERDOMAIN\$env:USERNAME"
# 只在用户登录时运行：MiniQMT 要桌面，没有桌面的服务里起不来，也连不上
$principal = New-ScheduledTaskPrincipal -UserId "$env:USERDOMAIN\$env:USERNAME" `
    -LogonType Interactive -RunLevel Limited
# 不限时（默认三天就停掉）；用电池也跑；只许一个；出错一分钟后再起
$settings = New-ScheduledTaskSettingsSet -ExecutionTimeLimit ([TimeSpan]::Zero) `
    -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries -MultipleInstances IgnoreNew `
    -RestartCount 999 -RestartInterval (New-TimeSpan -Minutes 1)

Register-ScheduledTask -TaskName "easytrader serve" -Force -Action $action `
    -Trigger $trigger -Principal $principal -Settings $settings
