@echo off
rem Runs dipaco from a checkout, building it first where needed.
dotnet run --project "%~dp0src\DiPaCo.Cli" -c Release -v quiet -- %*
