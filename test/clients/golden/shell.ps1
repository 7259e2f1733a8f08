function stint {
  if ($args.Count -eq 0 -or $args[0] -ne 'assume') { & '/opt/node' '/opt/it''s/main.js' @args; return }
  $stintBefore = $env:STINT_SHELL
  try {
    $env:STINT_SHELL = 'pwsh'
    $stintLines = & '/opt/node' '/opt/it''s/main.js' @args
    if ($LASTEXITCODE -eq 0 -and $stintLines) { $stintLines -join "`n" | Invoke-Expression }
  } finally {
    if ($null -eq $stintBefore) { Remove-Item -ErrorAction SilentlyContinue Env:STINT_SHELL } else { $env:STINT_SHELL = $stintBefore }
  }
}
function stint_prompt {
  if (-not $env:STINT_TARGET) { return '' }
  $text = $env:STINT_TARGET -replace '\p{Cc}', ''
  if ($text -match 'prod') { $text = "!$text" }
  if ($env:AWS_CREDENTIAL_EXPIRATION) {
    $left = [int][Math]::Floor(([DateTimeOffset]::Parse($env:AWS_CREDENTIAL_EXPIRATION) - [DateTimeOffset]::UtcNow).TotalMinutes)
    if ($left -gt 0) { $text = "$text ${left}m" } else { $text = "$text ended" }
  }
  $text
}
Register-ArgumentCompleter -Native -CommandName stint -ScriptBlock {
  param($current, $line, $position)
  $known = @{
  }
  $command = ''
  foreach ($element in ($line.CommandElements | Select-Object -Skip 1)) {
    $longer = "$command $element".Trim()
    if ($element.Extent.EndOffset -ge $position -or -not $known.ContainsKey($longer)) { break }
    $command = $longer
  }
  $kind, $words = $known[$command] -split ' '
  if ($kind -eq 'target' -and -not $current.StartsWith('-')) { $words = & '/opt/node' '/opt/it''s/main.js' ls --names 2>$null }
  $words | Where-Object { $_ -and $_.StartsWith($current) } | ForEach-Object {
    $text = if ($_ -match '^[\w./:@=+-]+$') { $_ } else { "'" + ($_ -replace "['\u2018-\u201B]", '$0$0') + "'" }
    [System.Management.Automation.CompletionResult]::new($text, $_, 'ParameterValue', $_)
  }
}
