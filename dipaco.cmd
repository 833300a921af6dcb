@echo off
rem Runs dipaco from a checkout, building it first where needed.
setlocal
set "DIPACO_PROGRAM=%~0"
dotnet run --project "%~dp0src\DiPaCo.Cli" -c Release -v quiet -- %*
