@echo off
rem Runs dipaco from a checkout, building it first where needed: with the libtorch that TorchBackend asks for (cpu, cuda or external),
rem or, where that is not set, with the one that it was built with.
setlocal
set "DIPACO_PROGRAM=%~0"
set "DIPACO_BUILT=%~dp0artifacts\bin\DiPaCo.Cli\release\torch-backend"
if not defined TorchBackend if exist "%DIPACO_BUILT%" set /p TorchBackend=<"%DIPACO_BUILT%"
set "DIPACO_BUILT="
dotnet run --project "%~dp0src\DiPaCo.Cli" -c Release -v quiet -- %*
