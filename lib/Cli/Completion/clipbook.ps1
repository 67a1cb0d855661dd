# Completion of clipbook for PowerShell. Candidates come from clipbook itself; where it has none, PowerShell completes file names.
Register-ArgumentCompleter -Native -CommandName clipbook -ScriptBlock {
    param($word, $tree, $position)
    $program = $tree.CommandElements[0].Extent.Text
    $line = $tree.ToString().PadRight($position - $tree.Extent.StartOffset).Substring(0, $position - $tree.Extent.StartOffset).Substring($program.Length).TrimStart()
    & $program "[suggest:$($line.Length)]" $line 2>$null |
        Where-Object { $_.StartsWith($word) -and ($word.StartsWith('-') -or -not $_.StartsWith('-')) } |
        ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }
}
